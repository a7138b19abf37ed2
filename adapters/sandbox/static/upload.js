// Pictures and files from a click, a drop or the clipboard; a sheet asks how to send them.

import { $, act, h, toast } from "./dom.js";
import { w } from "./words.js";

let chosen = [];
let previews = [];

const pictures = () => chosen.every((file) => file.type.startsWith("image/"));

function relabel() {
  const asFile = $("#as-file").checked;
  $("#upload-send").textContent = asFile ? w.send : w.photos(chosen.length);
}

/** Show the sheet for these files. */
export function openUpload(files) {
  chosen = [...files].slice(0, 10);
  if (!chosen.length) return;
  previews.forEach((url) => URL.revokeObjectURL(url));
  previews = chosen.map((file) => URL.createObjectURL(file));
  $("#previews").replaceChildren(...chosen.map((file, index) => (
    file.type.startsWith("image/") ? h("img", { src: previews[index], alt: file.name }) : h("p.name", {}, file.name)
  )));
  $("#previews").classList.toggle("many", chosen.length > 1);
  $("#as-file").checked = !pictures();
  $("#as-file").disabled = !pictures();
  $("#caption").value = "";
  relabel();
  $("#upload").showModal();
  $("#caption").focus();
}

async function send() {
  const caption = $("#caption").value.trim();
  const form = (files, first) => {
    const body = new FormData();
    if (first && caption) body.append("caption", caption);
    files.forEach((file, index) => body.append(files.length > 1 ? `file${index}` : "file", file, file.name || "photo.jpg"));
    return body;
  };
  try {
    if ($("#as-file").checked) {
      for (const [index, file] of chosen.entries()) await act("document", form([file], index === 0));
    } else if (chosen.length > 1) {
      await act("album", form(chosen, true));
    } else {
      await act("photo", form(chosen, true));
    }
  } catch (trouble) {
    toast(trouble.message);
  }
}

/** Take files wherever the person offers them. */
export function offer() {
  let depth = 0;
  const zone = $("#dropzone");
  const carries = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
  addEventListener("dragenter", (event) => { if (carries(event)) { depth += 1; zone.hidden = false; } });
  addEventListener("dragleave", (event) => { if (carries(event)) { depth -= 1; zone.hidden = depth <= 0; } });
  addEventListener("dragover", (event) => carries(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    depth = 0;
    zone.hidden = true;
    openUpload(event.dataTransfer.files);
  });
  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files || [])];
    if (files.length) { event.preventDefault(); openUpload(files); }
  });
  $("#attach").onclick = () => $("#files").click();
  $("#files").onchange = (event) => { openUpload(event.target.files); event.target.value = ""; };
  $("#as-file").onchange = relabel;
  $("#upload-cancel").onclick = () => $("#upload").close();
  $("#upload form").onsubmit = () => send();
}
