import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startDesk } from './testing/desk.ts';

it.each([
  ['an agent for whom anybody may write', "- { agent: a, principal: 'User:*' }", 'one principal'],
  ['no name of an agent', "- { agent: A, principal: 'User:a' }", 'lower-case letters'],
  ['something else', "- { agent: a, principal: 'User:a', key: x }", 'key'],
  [
    'an agent twice',
    "- { agent: a, principal: 'User:a' }\n- { agent: a, principal: 'User:b' }",
    'twice',
  ],
  ['what is no YAML', '- {', 'neither YAML nor JSON'],
])('setup reaches for no broker where its agents file holds %s', async (_, text, why) => {
  await using desk = await startDesk({});
  const file = join(desk.folder, 'agents.yaml');
  await writeFile(file, text);
  const said = await desk.run(
    `setup --plan --brokers 127.0.0.1:1 --lanes 2 --replication 1 --agents ${file}`,
  );
  expect(said).toMatchObject({ code: 2, out: '', err: expect.stringContaining(why) });
});
