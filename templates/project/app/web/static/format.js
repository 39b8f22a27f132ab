/** Numbers and times as people read them. */

const NUMBER = new Intl.NumberFormat("en", { maximumSignificantDigits: 6 });
const EXTREME = new Intl.NumberFormat("en", { maximumSignificantDigits: 6, notation: "scientific" });
const WHOLE = new Intl.NumberFormat("en");
const TENTHS = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const SECONDS = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

/** A whole number in full; any other with six digits that count. */
export function number(value) {
  if (value === null) return "–";
  if (Number.isSafeInteger(value)) return WHOLE.format(value);
  const amount = Math.abs(value);
  return (amount < 1e-4 || amount >= 1e15 ? EXTREME : NUMBER).format(value);
}

/** A moment: the time alone if it is today. */
export function time(text) {
  const moment = new Date(text);
  const isToday = moment.toDateString() === new Date().toDateString();
  return isToday ? CLOCK.format(moment) : `${DAY.format(moment)}, ${CLOCK.format(moment)}`;
}

/** A moment in full, to the second. */
export function moment(text) {
  const found = new Date(text);
  return `${DAY.format(found)}, ${SECONDS.format(found)}`;
}

/** How long something took. */
export function duration(from, to) {
  const seconds = (new Date(to) - new Date(from)) / 1000;
  if (seconds < 59.95) return `${TENTHS.format(seconds)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** A number of bytes. */
export function size(bytes) {
  const power = bytes ? Math.min(Math.floor(Math.log10(bytes) / 3), 3) : 0;
  return `${TENTHS.format(bytes / 1000 ** power)} ${["bytes", "kB", "MB", "GB"][power]}`;
}

/** A name as a label: `mean_interval` is "Mean interval". */
export const words = (name) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");
