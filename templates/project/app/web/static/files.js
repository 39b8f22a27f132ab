/** Fields for the files that come with a job. */

import { element } from "./dom.js";
import { Invalid, labelled } from "./fields.js";
import { size, words } from "./format.js";

/** A field for each input of a kind; its `value()` are the files. */
export const filesOf = (inputs) =>
  Object.entries(inputs).map(([name, input]) => {
    const field = element("input", {
      name,
      type: "file",
      accept: isAny(input) ? undefined : input.media_types.join(","),
      multiple: input.many > 1 ? "" : undefined,
      required: input.required ? "" : undefined,
    });
    const value = () => checked([name], [...field.files], input);
    return labelled([name], words(name), field, hint(input), { value, isFile: true });
  });

const isAny = (input) => input.media_types.includes("*/*");

function hint({ media_types, max_bytes, many, required }) {
  const types = media_types.includes("*/*") ? [] : [media_types.join(", ")];
  const most = many > 1 ? `at most ${many} files of ${size(max_bytes)} each` : `at most ${size(max_bytes)}`;
  return [...types, most, ...(required ? [] : ["may be left out"])].join(" · ");
}

function checked(path, files, input) {
  if (files.length > input.many) throw new Invalid(path, `At most ${input.many} files, not ${files.length}.`);
  for (const file of files) {
    if (file.size > input.max_bytes) {
      throw new Invalid(path, `${file.name} has ${size(file.size)}; at most ${size(input.max_bytes)} are taken.`);
    }
    if (!takes(input, file.type)) {
      throw new Invalid(path, `${file.name} is ${file.type}; taken is ${input.media_types.join(", ")}.`);
    }
  }
  return files;
}

/** Whether a media type is taken; of one that the browser does not know the service decides. */
const takes = (input, type) =>
  !type || input.media_types.some((taken) => {
    const start = taken.replace(/\*.*$/, "");
    return taken.endsWith("*") ? type.startsWith(start) : type === taken;
  });
