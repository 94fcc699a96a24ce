const ACT = "winnow.act";
const SHOWN = "winnow.next";

/** A person finished what was on screen: from here to the next paint nothing may take long. */
export const actDone = (): void => void performance.mark(ACT);

/** Measures from the act to the paint of what came after it, and says whether its images lay ready; developer tools and
 * the tests read it. */
export function shown(entry: string | undefined, decoded: boolean): () => void {
  const act = performance.getEntriesByName(ACT, "mark").at(-1);
  performance.clearMarks(ACT);
  if (act === undefined || entry === undefined) return () => undefined;
  const channel = new MessageChannel();
  // a message posted from within the frame is delivered after that frame was painted
  channel.port1.onmessage = () => {
    performance.measure(SHOWN, { start: act.startTime, detail: { entry, decoded } });
    channel.port1.close();
  };
  const frame = requestAnimationFrame(() => channel.port2.postMessage(null));
  return () => cancelAnimationFrame(frame);
}
