// The form works without this. With it: the reader's language, the place they wanted to see, and no form for
// somebody who is signed in already but came from another site (their cookie stayed behind on the way).

const language = (localStorage.getItem("reelstate.language") || navigator.language).startsWith("ru") ? "ru" : "en";
document.documentElement.lang = language;
for (const element of document.querySelectorAll("[data-en]")) element.textContent = element.dataset[language];

const form = document.querySelector("form");
form.addEventListener("submit", () => form.setAttribute("action", `login${location.hash}`));

if (document.querySelector(".wrong").hidden) {
  const answer = await fetch("jobs?limit=0", { headers: { Accept: "application/json" } });
  if (answer.ok) location.replace(`./${location.hash}`), location.hash && location.reload();
}
