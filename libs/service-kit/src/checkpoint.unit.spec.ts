import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openCheckpoint, openNote, signCheckpoint } from './checkpoint.ts';

/** The example of Go's `golang.org/x/mod/sumdb/note`. */
const NEUMANN = 'ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const QUOTED = `If you think cryptography is the answer to your problem,
then you don't know what your problem is.
`;
const NOTE = `${QUOTED}
— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`;

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const key = {
  capabilities: { inProcess: true },
  keyId: 'recorder-test',
  publicKey: publicKey.export({ format: 'jwk' }).x ?? '',
  sign: (text: string) =>
    Promise.resolve(sign(null, Buffer.from(text), privateKey).toString('base64url')),
};
const checkpoint = { logId: 'log-1', size: 5, root: 'ab'.repeat(32) };

describe('a signed note', () => {
  const neumann = Buffer.from(NEUMANN, 'base64').subarray(1).toString('base64url');

  it('of another program is opened with its key', () => {
    expect(openNote(NOTE, 'PeterNeumann', neumann)).toBe(QUOTED);
  });

  it.each([
    ['another text', NOTE.replace('problem is', 'problem was'), neumann],
    ['another name', NOTE.replace('PeterNeumann', 'Peterneumann'), neumann],
    ['another key', NOTE, key.publicKey],
    ['no signature', `${QUOTED}\n`, neumann],
    ['no text', NOTE.slice(QUOTED.length), neumann],
    ['nothing', '', neumann],
  ])('with %s is not', (_, note, x) => {
    expect(openNote(note, 'PeterNeumann', x)).toBeUndefined();
  });
});

describe('a checkpoint', () => {
  it('is a note of three lines, and opens as it was signed', async () => {
    const note = await signCheckpoint(key, checkpoint);
    expect(note.split('\n').slice(0, 4)).toEqual([
      'countersign.dev/log/log-1',
      '5',
      Buffer.from('ab'.repeat(32), 'hex').toString('base64'),
      '',
    ]);
    expect(openCheckpoint(note, key.publicKey)).toEqual(checkpoint);
  });

  it('may carry the signatures of witnesses', async () => {
    const note = await signCheckpoint(key, checkpoint);
    const witnessed = note.replace('\n\n', '\n\n— witness.example AAAAAAAA\n');
    expect(openCheckpoint(witnessed, key.publicKey)).toEqual(checkpoint);
  });

  it('that was altered anywhere does not open', async () => {
    const note = await signCheckpoint(key, checkpoint);
    const altered = [...note].map(
      (it, at) => `${note.slice(0, at)}${it === 'x' ? 'y' : 'x'}${note.slice(at + 1)}`,
    );
    const opened = altered.filter((it) => openCheckpoint(it, key.publicKey) !== undefined);
    expect(altered).toHaveLength(note.length);
    expect(opened).toEqual([]);
  });

  it('is no other note, though its key signed it', () => {
    const neumann = Buffer.from(NEUMANN, 'base64').subarray(1).toString('base64url');
    const named = NOTE.replace(QUOTED, `PeterNeumann\n${QUOTED}`);
    expect(openCheckpoint(NOTE, neumann)).toBeUndefined();
    expect(openCheckpoint(named, neumann)).toBeUndefined();
  });
});
