import { quoted } from '@countersign/kernel';

/** More would be no reason but a text of its own, in what an agent or a person is told. */
const QUOTED_MAX = 200;
const BODY_MAX_BYTES = 16_384;
const BODY_MAX_MS = 1_000;

/**
 * Why a seller asks again, in its own words: those of its x402 answer, in the header of version 2 or the body of
 * version 1. Nobody has checked them, and they may be meant for whoever reads them, so that they are one short quoted
 * line. The body of the answer stays unread.
 */
export async function sellerWords(response: Response): Promise<string | undefined> {
  const header = response.headers.get('payment-required');
  const error = errorIn(
    header === null ? await shortBody(response) : Buffer.from(header, 'base64').toString(),
  );
  return error === undefined ? undefined : quoted(error.slice(0, BODY_MAX_BYTES), QUOTED_MAX);
}

/** A body may be long, and may never end: nobody waits for more of it than a reason needs. */
async function shortBody(response: Response): Promise<string> {
  if (response.bodyUsed) return '';
  const body: ReadableStream<Uint8Array> | null = response.clone().body;
  const reader = body?.getReader();
  const giveUp = () => void reader?.cancel().catch(() => undefined);
  const timer = setTimeout(giveUp, BODY_MAX_MS);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for (;;) {
      const next = await reader?.read();
      if (!next || next.done) return Buffer.concat(chunks).toString();
      bytes += next.value.length;
      if (bytes > BODY_MAX_BYTES) return '';
      chunks.push(next.value);
    }
  } catch {
    return '';
  } finally {
    clearTimeout(timer);
    giveUp();
  }
}

function errorIn(text: string): string | undefined {
  try {
    const answer: unknown = JSON.parse(text);
    if (typeof answer !== 'object' || answer === null || !('error' in answer)) return undefined;
    return typeof answer.error === 'string' && answer.error !== '' ? answer.error : undefined;
  } catch {
    return undefined;
  }
}
