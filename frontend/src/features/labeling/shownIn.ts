/** Marks the moment at which a page that followed a commit was painted; developer tools and the tests read it. */
export function shownIn(page: string): () => void {
  const commit = performance.getEntriesByName("winnow.commit", "mark").at(-1);
  if (commit === undefined) return () => undefined;
  performance.clearMarks("winnow.commit");
  const channel = new MessageChannel();
  // a message posted from within the frame is delivered after that frame was painted
  channel.port1.onmessage = () => {
    performance.measure("winnow.next-page", { start: commit.startTime, detail: { page } });
  };
  const frame = requestAnimationFrame(() => channel.port2.postMessage(null));
  return () => cancelAnimationFrame(frame);
}
