/* An embedded playground is as high as what it shows. */
addEventListener("message", ({ data, source }) => {
  const height = data?.playground;
  if (typeof height !== "number") return;
  for (const frame of document.querySelectorAll(".playground iframe")) {
    if (frame.contentWindow === source) frame.height = Math.ceil(height) + 2;
  }
});
