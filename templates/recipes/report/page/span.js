/** From when to when. */

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

/** From one year, or day, to another. */
export function span(first, last) {
  const [from, to] = [new Date(first), new Date(last)];
  if (to - from > 2 * 365 * 86_400_000) return `${from.getUTCFullYear()}–${to.getUTCFullYear()}`;
  return `${DAY.format(from)} – ${DAY.format(to)}`;
}
