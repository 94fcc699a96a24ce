// The tree of categories in the dashboard: rows are dragged before, into or behind other rows; the scissors stay for the
// keyboard. On a category's own page, the images that its prompts find now.
"use strict";

const EDGE = 0.3; // of a row's height: what counts as between two rows

function placeIn(row, clientY) {
  const box = row.getBoundingClientRect();
  const at = (clientY - box.top) / box.height;
  if (at < EDGE) return "before";
  return at > 1 - EDGE ? "after" : "first-child";
}

function csrfToken() {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
}

async function move(pk, position, target) {
  const body = new URLSearchParams({ move: pk, position, relative_to: target });
  await fetch("move-node/", { method: "POST", body, headers: { "X-CSRFToken": csrfToken() } });
  window.location.reload(); // a refused move says why among the page's messages
}

function dragRows(table) {
  let dragged = null;
  const clear = () => table.querySelectorAll("[data-drop]").forEach((row) => row.removeAttribute("data-drop"));
  for (const toggle of table.querySelectorAll(".collapse-toggle")) {
    const row = toggle.closest("tr");
    row.draggable = true;
    row.dataset.pk = toggle.dataset.pk;
  }
  table.addEventListener("dragstart", (event) => {
    dragged = event.target.closest("tr[data-pk]");
    event.dataTransfer?.setData("text/plain", dragged?.dataset.pk ?? "");
  });
  table.addEventListener("dragover", (event) => {
    const row = event.target.closest("tr[data-pk]");
    clear();
    if (dragged === null || row === null || row === dragged) return;
    event.preventDefault();
    row.dataset.drop = placeIn(row, event.clientY);
  });
  table.addEventListener("dragend", () => {
    clear();
    dragged = null;
  });
  table.addEventListener("drop", (event) => {
    const row = event.target.closest("tr[data-pk]");
    if (dragged === null || row === null || row === dragged) return;
    event.preventDefault();
    move(dragged.dataset.pk, placeIn(row, event.clientY), row.dataset.pk);
  });
}

async function showNearest(place) {
  const answer = await fetch(place.dataset.nearest);
  place.innerHTML = answer.ok ? await answer.text() : "This could not be read. Reload the page to try again.";
}

document.addEventListener("DOMContentLoaded", () => {
  const table = document.querySelector("#result_list");
  if (table?.querySelector(".collapse-toggle")) dragRows(table);
  document.querySelectorAll("[data-nearest]").forEach(showNearest);
});
