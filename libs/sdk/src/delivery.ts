import { Readable } from 'node:stream';

/** An answer is held back until it is whole, but no longer than this and no more of it than this. */
const HELD_MS = 1_000;
const HELD_BYTES = 1_048_576;

/**
 * The same answer, whose delivery is reported when its body has come to its end and before the reader learns of the
 * end. Reported any earlier, a caller whose patience ends between status and body would call again and pay anew for
 * what it never got; reported any later, it could call again before that is a new purchase.
 *
 * What is short and quick is whole when this resolves, also for a caller that never reads it. The end of a body is not
 * kept from a caller that gives up while the report is under way.
 *
 * @throws What reading the body throws, where it breaks off while it is held back; later the reader gets it.
 */
export async function reportingDelivery(
  response: Response,
  report: () => Promise<void>,
  signal: AbortSignal,
): Promise<Response> {
  if (!response.body) {
    await unlessAborted(report, signal);
    return response;
  }
  const enough = Promise.withResolvers<void>();
  const patience = setTimeout(enough.resolve, isLive(response) ? 0 : HELD_MS);
  let bytes = 0;
  const passing = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>(
    {
      transform(chunk, controller) {
        controller.enqueue(chunk);
        bytes += chunk.byteLength;
        if (bytes >= HELD_BYTES) enough.resolve();
      },
      flush() {
        clearTimeout(patience);
        return unlessAborted(report, signal);
      },
    },
    undefined,
    new ByteLengthQueuingStrategy({ highWaterMark: HELD_BYTES }),
  );
  const ended = response.body.pipeTo(passing.writable);
  await Promise.race([ended, enough.promise]).finally(() => clearTimeout(patience));
  const copy = copyOf(response, passing.readable);
  unread.register(copy, passing.readable);
  return copy;
}

/**
 * Lets go of the connection of an answer that was collected with its body unread, as Node does for its own answers. A
 * body that somebody began to read may be read on, and a cancellation would pass for its end.
 */
const unread = new FinalizationRegistry<ReadableStream>((body) => {
  if (body.locked || Readable.isDisturbed(body as unknown as NodeJS.ReadableStream)) return;
  // Nobody is left to be told of what that may throw.
  body.cancel().catch(() => undefined);
});

/** Events are for whoever waits for them, one by one. */
function isLive({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('text/event-stream') ?? false;
}

/** Free of the call's signal, which would take away a body that is whole and not yet read. */
function copyOf(response: Response, body: ReadableStream<Uint8Array<ArrayBuffer>>): Response {
  const { status, statusText, headers, url, redirected } = response;
  const copy = new Response(body, { status, statusText, headers });
  return Object.defineProperties(copy, { url: { value: url }, redirected: { value: redirected } });
}

function unlessAborted(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    work().then(resolve, reject);
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
