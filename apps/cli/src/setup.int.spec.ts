import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { setUpVault } from './commands/setup-vault.ts';
import type { Style } from './terminal.ts';
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
  const file = await desk.file('agents.yaml', text);
  const said = await desk.run(
    `setup --plan --brokers 127.0.0.1:1 --lanes 2 --replication 1 --agents ${file}`,
  );
  expect(said).toMatchObject({ code: 2, out: '', err: expect.stringContaining(why) });
});

it('sets up Vault in the namespace that it is told', async () => {
  const asked: unknown[] = [];
  const vault = createServer(({ headers }, answer) => {
    asked.push(headers['x-vault-namespace']);
    answer.writeHead(403).end('{}');
  });
  vault.listen(0, '127.0.0.1');
  await once(vault, 'listening');
  onTestFinished(() => void vault.close());
  await using desk = await startDesk({});
  const vaultTokenFile = await desk.file('vault.token', 'token');
  const { port } = vault.address() as AddressInfo;

  const options = { vaultTokenFile, vaultNamespace: 'team-a' };
  const terminal = { out: () => {}, err: () => {}, paint: (_: Style, text: string) => text };
  const done = setUpVault(`http://127.0.0.1:${port}`, options, terminal);

  await expect(done).rejects.toThrow();
  expect(new Set(asked)).toEqual(new Set(['team-a']));
});
