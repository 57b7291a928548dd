"""The built-in intent classifier: text in, calibrated Prediction out.

BY WHAT a message is understood, in the order of the modules:

- `lexicon`  the librarians' synonym classes (intents/lexicon.yml), found in the text longest phrase first.
- `pieces`   the text as pieces: characters and words, their pairs, letters inside words, sounds, lexicon classes.
- `features` which pieces are known and how much each tells: the text as a sparse row.
- `linear`   how much each piece speaks for each intent: a support vector machine and a softmax regression in one table.
- `evidence` one linear score and one nearest-example similarity for every intent, out_of_scope among them.
- `gate`     the best candidates' evidence as the probability that answering each would be right, learned from examples
  that the evidence had not seen (out-of-fold).
- `model`    puts these together: fit, cross_validated, Classifier.
- `apart`    learning in processes of its own.
- `storage`  the one file a model is kept in.
"""

from bot.classifier.model import Classifier, cross_validated, fit, fit_apart, load

__all__ = ["Classifier", "cross_validated", "fit", "fit_apart", "load"]
