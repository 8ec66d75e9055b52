// Makes pages quicker and forgiving where scripts run. Nothing needs it.
const drafts = sessionStorage;
const key = (form, field) => `draft ${location.pathname} ${form.getAttribute("action")} ${field.name}`;

// A form that has arrived is answered by leading to another page: then what was sent is no draft any more. Where the
// network has failed, one comes back to the form by oneself.
const [{ redirectCount } = {}] = performance.getEntriesByType("navigation");
if (redirectCount > 0) {
  for (const sent of JSON.parse(drafts.getItem("sent") ?? "[]")) drafts.removeItem(sent);
  drafts.removeItem("sent");
}

// What was typed and not sent yet is there again after the network or the phone has failed.
for (const form of document.querySelectorAll("main form[method=post]")) {
  const fields = [...form.elements].filter(
    ({ name, type, autocomplete }) =>
      name && ["text", "tel", "email", "textarea"].includes(type) && autocomplete !== "one-time-code",
  );
  for (const field of fields) {
    const draft = drafts.getItem(key(form, field));
    if (draft !== null && field.value === field.defaultValue && field.value === "") field.value = draft;
    field.addEventListener("input", () => drafts.setItem(key(form, field), field.value));
  }
  form.addEventListener("submit", (event) => {
    // A second tap on a slow network sends nothing twice.
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    if (form.action.endsWith("/sign-out")) drafts.clear();
    else drafts.setItem("sent", JSON.stringify(fields.map((field) => key(form, field))));
    setTimeout(() => delete form.dataset.sent, 8000);
  });
}

// A page that comes back from the browser's memory may be sent again.
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// The first page is in the language that was chosen last.
for (const link of document.querySelectorAll("a[hreflang]")) {
  link.addEventListener("click", () => {
    const [, language] = new URL(link.href).pathname.split("/");
    document.cookie = `language=${language}; path=/; max-age=31536000; samesite=lax`;
  });
}
