import { VaultOwnerKeys, VaultWalletKeys, vaultStatementKey } from '@countersign/adapter-vault';
import { startVault } from '../../../deploy/local/vault.mjs';
import { loginAs, setUp } from '../../../libs/adapters/vault/src/vault-under-test.ts';
import { type Bench, type Line, quantile, secondsOf, thousands } from '../bench.ts';

const AT_ONCE = [1, 8, 64];
const CALLS = { quick: 100, full: 1_500 };
const DIGEST = `0x${'7'.repeat(64)}`;

async function timed(calls: number, atOnce: number, sign: (index: number) => Promise<unknown>) {
  const took: number[] = [];
  let next = 0;
  const client = async () => {
    for (let index = next++; index < calls; index = next++)
      took.push((await secondsOf(() => sign(index))) * 1_000);
  };
  const seconds = await secondsOf(() => Promise.all(Array.from({ length: atOnce }, client)));
  return `${thousands(calls / seconds)} /s, p50 ${quantile(took, 0.5).toFixed(1)} ms, p99 ${quantile(took, 0.99).toFixed(1)} ms`;
}

export const bench: Bench = {
  title: 'Signing with Vault',
  about:
    'Vault in its development mode, in memory, on the same cores. Statements are signed by transit in batches: what is asked while a batch is under way makes the next one, so one request at a time is the bound. P-256 owners sign in transit; secp256k1 wallets are read and unwrapped for each signature, two requests.',
  async run(tell, size) {
    const server = await startVault();
    try {
      await setUp(server);
      const signer = await loginAs(server, 'signer');
      const wallets = new VaultWalletKeys(signer);
      const owners = new VaultOwnerKeys(signer);
      const statements = await vaultStatementKey(await loginAs(server, 'policy'), 'policy');
      await wallets.create('w1');
      await owners.make('w2', 1);
      const message = 'x'.repeat(600);
      const signs: readonly (readonly [string, () => Promise<unknown>])[] = [
        ['a statement (ed25519, batched)', () => statements.sign(message)],
        ['a wallet (secp256k1, wrapped)', () => wallets.sign('w1', DIGEST)],
        ['an owner (ecdsa-p256)', () => owners.sign('w2', 1, DIGEST)],
      ];
      const lines: Line[] = [];
      for (const [what, sign] of signs)
        for (const atOnce of AT_ONCE) {
          tell(`${what}, ${atOnce} at once`);
          lines.push({
            what: `${what}, ${atOnce} at once`,
            figure: await timed(CALLS[size], atOnce, sign),
          });
        }
      return lines;
    } finally {
      await server.stop();
    }
  },
};
