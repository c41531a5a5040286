/* What the theme's buttons have in attributes, which the pages' policy does not let run. */
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-click=print]")) window.print();
});
