/** Numbers and times as people read them. */

const NUMBER = new Intl.NumberFormat("en", { maximumSignificantDigits: 6 });
const TENTHS = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

/** A number with six digits that count. */
export const number = (value) => (value === null ? "–" : NUMBER.format(value));

/** A moment: the time alone if it is today. */
export function time(text) {
  const moment = new Date(text);
  const isToday = moment.toDateString() === new Date().toDateString();
  return isToday ? CLOCK.format(moment) : `${DAY.format(moment)}, ${CLOCK.format(moment)}`;
}

/** How long something took. */
export function duration(from, to) {
  const seconds = (new Date(to) - new Date(from)) / 1000;
  if (seconds < 60) return `${TENTHS.format(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** A number of bytes. */
export function size(bytes) {
  const power = bytes ? Math.min(Math.floor(Math.log10(bytes) / 3), 3) : 0;
  return `${TENTHS.format(bytes / 1000 ** power)} ${["bytes", "kB", "MB", "GB"][power]}`;
}

/** A name as a label: `mean_interval` is "Mean interval". */
export const words = (name) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");
