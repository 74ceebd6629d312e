import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Refusal } from '@countersign/sdk/testing/contract-server';
import { describe, expect, it } from 'vitest';
import { startDesk } from './testing/desk.ts';
import { PAYMENT_ID } from './testing/samples.ts';

describe('a file for what is told once', () => {
  it.each([
    ['agent credential buyer --save', 'exists already; name a new file'],
    ['agent add buyer --wallet main --save', 'exists already; name a new file'],
    ['person add ada --roles approver --save', 'exists already; name a new file'],
    [`proof ${PAYMENT_ID} --out`, 'exists already; name a new file'],
  ])('is there before "%s" asks for anything', async (command, why) => {
    await using desk = await startDesk({});
    const file = await desk.file('kept', 'as it was');
    expect(await desk.run(`${command} ${file}`)).toMatchObject({
      code: 2,
      err: `error: ${file} ${why}`,
    });
    expect(await desk.run(`${command} ${desk.folder}/no/file`)).toMatchObject({
      code: 2,
      err: `error: the folder ${desk.folder}/no does not exist`,
    });
    expect(desk.server.received).toEqual([]);
    expect(await readFile(file, 'utf8')).toBe('as it was');
  });

  it('is not left behind when nothing came of it', async () => {
    await using desk = await startDesk({
      replaceAgentCredential: () => {
        throw new Refusal('not_permitted');
      },
    });
    const file = join(desk.folder, 'new.credential');
    expect((await desk.run(`agent credential buyer --save ${file}`)).code).toBe(1);
    await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
