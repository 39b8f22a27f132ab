/** JSON schemas as Pydantic writes them. */

const DEEPEST = 2; // objects within objects that an example has

/** A property without references, and whether it may be null. */
export function plain(found, definitions) {
  const target = found.$ref ?? found.allOf?.[0]?.$ref;
  if (target) {
    const { $ref, allOf, ...own } = found;
    return plain({ ...definitions[target.split("/").pop()], ...own }, definitions);
  }
  if (!found.anyOf) return found;
  const { anyOf, ...own } = found;
  const choices = anyOf.filter((choice) => choice.type !== "null");
  const nullable = choices.length < anyOf.length;
  if (choices.length === 1) return plain({ ...choices[0], ...own, nullable }, definitions);
  if (isDecimal(choices)) return { ...choices[0], ...own, nullable, asText: true };
  return { ...found, nullable };
}

/** Whether this is how Pydantic describes a Decimal: a number, or the same as a text. */
const isDecimal = ([number, text, ...more]) =>
  !more.length && number.type === "number" && text.type === "string" &&
  Object.keys(text).every((key) => key === "type" || key === "pattern");

/** What a value may look like. */
export function example(schema, definitions, depth = 0) {
  const found = plain(schema, definitions);
  if (found.examples?.length) return found.examples[0];
  if (found.enum || "const" in found) return found.enum?.[0] ?? found.const;
  if (depth > DEEPEST) return null;
  const inner = (part) => example(part, definitions, depth + 1);
  if (found.prefixItems) return found.prefixItems.map(inner);
  if (found.type === "array") return [inner(found.items ?? {})];
  if (found.properties) {
    return Object.fromEntries(Object.entries(found.properties).map(([name, part]) => [name, inner(part)]));
  }
  if (found.type === "object") return { name: inner(found.additionalProperties || {}) };
  const one = found.anyOf?.[0] ?? found.oneOf?.[0];
  if (one) return inner(one);
  return { string: "text", integer: 1, number: 1.5, boolean: true }[found.type] ?? null;
}
