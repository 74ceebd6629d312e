import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { setUpClickHouse } from './commands/setup-clickhouse.ts';
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

it('names the tables that a ClickHouse server lacks, and makes them only when told to', async () => {
  const asked: string[] = [];
  const clickhouse = createServer((request, answer) => {
    void text(request).then((query) => {
      const inUrl = new URL(request.url ?? '', 'http://stand-in').searchParams.get('query');
      asked.push(inUrl ?? query);
      answer.end();
    });
  });
  clickhouse.listen(0, '127.0.0.1');
  await once(clickhouse, 'listening');
  onTestFinished(() => void clickhouse.close());
  await using desk = await startDesk({});
  const { port } = clickhouse.address() as AddressInfo;
  const urlFile = await desk.file('clickhouse.url', `http://admin:secret@127.0.0.1:${port}\n`);
  const said: string[] = [];
  const out = (line: string) => void said.push(line);
  const terminal = { out, err: () => {}, paint: (_: Style, it: string) => it };
  const changes = () => asked.filter((query) => !query.startsWith('SELECT'));

  await setUpClickHouse(urlFile, {}, terminal);

  expect(said).toContain('clickhouse 0001-events.sql');
  expect(said.at(-1)).toBe('clickhouse server/auditor.sql');
  expect(changes()).toEqual([]);
  const planned = said.splice(0);

  await setUpClickHouse(urlFile, { apply: true }, terminal);

  expect(said).toEqual(planned);
  expect(changes()).toContainEqual(expect.stringContaining('CREATE ROLE IF NOT EXISTS'));
  expect(changes().filter((query) => query.startsWith('INSERT INTO migrations'))).toHaveLength(
    planned.length,
  );
});
