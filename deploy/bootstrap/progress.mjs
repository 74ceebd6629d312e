/** Says what is going on while it takes long: one moving line on a terminal, a line now and then in a log. */
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;
const LOG_LINE_MS = 15_000;

/** `detail` is asked anew each time, with the whole seconds since the start. */
export function progress(title, detail) {
  const startedAtMs = Date.now();
  const seconds = () => Math.round((Date.now() - startedAtMs) / 1000);
  const moving = process.stderr.isTTY === true;
  let frame = 0;

  const draw = () => {
    const text = `${title}: ${detail(seconds())}`;
    if (moving) process.stderr.write(`\r\x1b[K${FRAMES[frame++ % FRAMES.length]} ${text}`);
    else console.error(text);
  };
  if (!moving) console.error(`${title} …`);
  const timer = setInterval(draw, moving ? FRAME_MS : LOG_LINE_MS);
  return {
    end(summary) {
      clearInterval(timer);
      if (moving) process.stderr.write('\r\x1b[K');
      console.error(summary(seconds()));
    },
  };
}
