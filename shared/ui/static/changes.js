// Says on an open page that newer numbers are here. Without it the page stays as it was when it was loaded.
for (const place of document.querySelectorAll("[data-changes]")) {
  const stream = new EventSource(place.dataset.changes);
  stream.addEventListener("changed", () => {
    stream.close();
    place.firstElementChild.hidden = false;
  });
  stream.addEventListener("ended", () => stream.close());
}
