/** Numbers, times and sizes as people read them. */

const whole = new Intl.NumberFormat("en-GB");

export const count = (value: number): string => whole.format(value);

export const percent = (value: number, digits = 1): string => `${(value * 100).toFixed(digits)} %`;

/** A share as somebody typed it: 5 %, 2.5 %. */
export const share = (value: number): string => `${Number((value * 100).toFixed(2))} %`;

/** A probability in two digits, as .58; certainty as 1.0. */
export const probability = (value: number): string =>
  value >= 0.995 ? "1.0" : value < 0.005 ? ".00" : value.toFixed(2).slice(1);

export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;

export function bytes(value: number): string {
  if (value < 1000) return `${value} B`;
  const units = ["kB", "MB", "GB", "TB"];
  const step = Math.min(Math.floor(Math.log10(value) / 3), units.length);
  const scaled = value / 1000 ** step;
  return `${scaled.toFixed(scaled < 10 ? 1 : 0)} ${units[step - 1]}`;
}

export function seconds(value: number): string {
  if (value < 1) return "under a second";
  if (value < 60) return `${Math.round(value)} s`;
  if (value < 3600) return `${Math.round(value / 60)} min`;
  if (value < 172_800) return `${Math.round(value / 3600)} h`;
  return `${Math.round(value / 86_400)} days`;
}

export function ago(iso: string, now = Date.now()): string {
  const passed = (now - Date.parse(iso)) / 1000;
  if (passed < 45) return "just now";
  if (passed < 604_800) return `${seconds(passed)} ago`;
  return new Date(iso).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
}
