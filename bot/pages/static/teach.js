// Shows how far a training is, and the page anew when it has ended.
const main = document.querySelector("[data-training]");
const step = document.getElementById("train-step");
const share = document.getElementById("train-share");

async function look() {
  try {
    const answer = await fetch("/desk/teach/progress", { headers: { Accept: "application/json" } });
    const { training } = await answer.json();
    if (!training) {
      location.replace("/desk/teach");
      return;
    }
    step.textContent = training.step;
    share.value = training.share;
  } catch {
    // The server is away for a moment: look again.
  }
  setTimeout(look, 1500);
}

if (main && step && share) setTimeout(look, 800);
