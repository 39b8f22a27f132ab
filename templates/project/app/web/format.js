/** Numbers and times as people read them. */

const NUMBER = new Intl.NumberFormat("en", { maximumSignificantDigits: 6 });
const SECONDS = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
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

/** From one year, or day, to another. */
export function span(first, last) {
  const [from, to] = [new Date(first), new Date(last)];
  if (to - from > 2 * 365 * 86_400_000) return `${from.getUTCFullYear()}–${to.getUTCFullYear()}`;
  return `${DAY.format(from)} – ${DAY.format(to)}`;
}

/** How long something took. */
export function duration(from, to) {
  const seconds = (new Date(to) - new Date(from)) / 1000;
  if (seconds < 60) return `${SECONDS.format(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
