import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { verifyOffline } from './verify-offline.ts';

/** A payment that two people granted, as the first version proved it; whoever keeps one must be able to check it for ever. */
const FOLDER = join(import.meta.dirname, 'proofs');
const KEYS = join(FOLDER, 'keys.txt');
const PROOF = join(FOLDER, 'granted.json');
const folder = mkdtempSync(join(tmpdir(), 'countersign-proof-'));
afterAll(() => rmSync(folder, { recursive: true }));

const verify = (file: string, keys = KEYS) => verifyOffline(file, keys);

function altered(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

it('a proof of the first version holds', async () => {
  const { code, out, err } = await verify(PROOF);
  expect([code, err]).toEqual([0, '']);
  expect(out).not.toContain('✗');
  expect(out).toContain('✓ people consented as policy asks: granted by bo and cy');
  expect(out).toContain(
    '✓ the wallet signed exactly that: 0xb306ae1549304938e83f370fea25d3648b43261d',
  );
  expect(out).toContain('settlement.final');
});

it('of an altered one it is told what does not hold', async () => {
  const text = readFileSync(PROOF, 'utf8').replaceAll('89000000', '88000000');
  const { code, out, err } = await verify(altered('altered.json', text));
  expect(code).toBe(1);
  expect(out).toContain('✗ the log held every record under it');
  expect(err).toMatch(/^error: \d of \d+ claims do not hold\. \(proof_failed\)$/);
});

it('with other keys, or none, nothing is believed', async () => {
  const own = readFileSync(KEYS, 'utf8');
  const [intake = '', policy = ''] = own.split('\n').map((line) => line.split('=')[1]);
  const others = altered('others.txt', own.replace(policy, intake));
  expect((await verify(PROOF, others)).code).toBe(1);
  const none = altered('none.txt', '\n');
  const { code, err } = await verify(PROOF, none);
  expect([code, err]).toEqual([2, `error: ${none} holds no keys`]);
  const odd = altered('odd.txt', 'recorder:abc');
  expect((await verify(PROOF, odd)).err).toContain('is not <service>=<public key>');
});

it('what a key signed before its end holds, and nothing after it', async () => {
  const own = readFileSync(KEYS, 'utf8');
  const ended = (service: string, at: number) =>
    own.replace(new RegExp(`^${service}=.*$`, 'm'), `$&@${at}`);
  // The log stamped the decisions at 1795312307 s.
  const later = altered('later.txt', ended('policy', 1_795_400_000_000));
  expect((await verify(PROOF, later)).code).toBe(0);
  const earlier = altered('earlier.txt', ended('policy', 1_795_312_300_000));
  const { code, out } = await verify(PROOF, earlier);
  expect(code).toBe(1);
  expect(out).toContain('(decision.made) is not signed by the service that may write it');
  // A checkpoint has no stamp of the log.
  const recorder = altered('recorder.txt', ended('recorder', 1_795_400_000_000));
  expect((await verify(PROOF, recorder)).out).toContain('✗ the recorder signed the checkpoint');
});

it('a file that is none is refused whole', async () => {
  const { code, out, err } = await verify(altered('none.json', '{}'));
  expect([code, out]).toEqual([1, '']);
  expect(err).toMatch(/is no proof: .*\(not_a_proof\)$/);
});
