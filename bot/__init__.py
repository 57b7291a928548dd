"""Refdesk 问询台: a reference-chat bot for university libraries, in one process.

The rooms, from the bottom up; imports go downwards only (tests/test_house.py holds the order):

    late                      libraries that are loaded when they are used
    messages, errors          what connectors share with the bot: Address, Question, Reply
    incidents                 what is out of order: announced, seen by the monitor, reported
    domain                    what the bot's own rooms hand each other: Prediction, Entry, Ticket, Event, Decision
    connector, roster
    text, mining, masking, pinyin, settings, tickets, hours, slots, windows, limits, live, presence, groups
    care, turns               what the bot never answers by itself; how one message hangs on another
    post                      e-mail by the library's own server
    training                  intents/ -> examples
    tables, knowledge         knowledge/ -> entries, facts, tables, phrases, forms
    reports, export, schema, labels  events -> figures -> text; the database's shape; stored words as people read them
    brief                     a report as sentences, tables and charts, in every file format
    forms, lookups, sheet     request forms; answers from tables; requests as a table
    classifier, embedding, rasa_engine, listening, understanding
    answering                 question + prediction + knowledge + conversation -> decision, pure
    evaluation                labelled messages + predictions + policy -> figures, pure
    autonomy                  which intents the bot answers alone, by what was measured and what patrons said
    store                     the one SQLite file
    signon                    who the university says somebody is
    ledger, months            the store's figures: every report of it, kept at hand; closing a month
    desk, outbox, accounts, tokens  what can be done with a question; what is due to be delivered; who may sign in; keys of other programs
    monitor                   whether the databases' addresses answer
    platform                  what platforms need beyond answers: values kept, deliveries taken back, conversations ended
    house, check              everything above put together from settings; every defect of the data
    digest, mailing           mails: what waits while nobody is at the desk; the brief of a week or month
    demo                      weeks of questions played through the real desk
    evaluation_report, evaluator  how right the engines are: pictures, and the measuring itself
    teaching                  what librarians teach: drafts, files, a new model, one step back
    pages                     what people see in a browser
    terminal                  what commands share
    commands, stats, takeaway  commands that work on the database alone
    app, __main__             the server; the command line
"""

__version__ = "0.1.0"
