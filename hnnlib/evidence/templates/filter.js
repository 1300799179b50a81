// Shows the claims with one answer, of any run. Without scripts all are shown and no button is.
const filter = document.querySelector(".filter");
const buttons = [...filter.querySelectorAll("button")];
filter.hidden = false;
for (const pressed of buttons) {
  pressed.addEventListener("click", () => {
    const answer = pressed.dataset.answer;
    for (const button of buttons) button.setAttribute("aria-pressed", button === pressed);
    for (const claim of document.querySelectorAll(".claim")) {
      claim.hidden = answer !== "all" && !claim.dataset.answers.split(" ").includes(answer);
    }
  });
}
