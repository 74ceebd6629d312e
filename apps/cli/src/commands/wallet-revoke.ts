import { CountersignError, type AnswerOf } from '@countersign/sdk';
import type { Command } from 'commander';
import type { Open } from '../session.ts';
import { visible } from '../text.ts';

type Wallet = AnswerOf<'readWallet'>;

/** The end of a wallet: what is lost with its key is said before anything is done. */
export function addRevoke(wallet: Command, open: Open): void {
  wallet
    .command('revoke <name>')
    .description('stop a wallet for good and have its key destroyed, with what it still holds')
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, options: { yes?: boolean }, command: Command) => {
      const session = open(command);
      const params = { wallet: name };
      // A chain that does not answer must not keep anybody from stopping a wallet.
      const held = await session.call('readWallet', { params }).catch((error: unknown) => {
        if (error instanceof CountersignError && error.retryable) return undefined;
        throw error;
      });
      if (!session.json) session.terminal.out(whatIsLost(visible(name), held));
      if (!(await session.confirm(`Revoke ${visible(name)} for good?`, options.yes))) {
        session.terminal.out('Nothing was revoked.');
        return;
      }
      const answer = await session.call('revokeWallet', { params });
      session.show(answer, () => whatFollows(visible(name), answer.outstanding));
    });
}

function whatIsLost(name: string, held: Wallet | undefined): string {
  return [
    `${name} will sign no payment and no withdrawal any more. What it signed is canceled, and its key destroyed.`,
    holdings(name, held?.balances),
    ...(held?.kind === 'erc1271-p256'
      ? [
          `Its account obeys that key alone, so nobody can hand it over any more either. Until it is revoked you can do`,
          `both: withdraw what it holds, or keep the account under a new key with: countersign wallet rotate ${name}`,
        ]
      : []),
  ].join('\n');
}

function holdings(name: string, balances: Wallet['balances'] | undefined): string {
  if (!balances) return 'What it holds cannot be read now. Nobody will ever be able to move it.';
  const held = balances.filter(({ amount }) => BigInt(amount) > 0n);
  if (held.length === 0)
    return 'It holds none of the tokens that are watched; any other, and ether, will be out of reach for good.';
  const list = held.map((it) => `${it.decimal} ${visible(it.symbol)} (${visible(it.asset)})`);
  return `It holds ${list.join(', ')}. Nobody will ever be able to move that. To save it first: countersign wallet withdraw ${name}`;
}

function whatFollows(name: string, outstanding: readonly string[]): string {
  const canceled =
    outstanding.length === 0
      ? 'Nothing it signed is under way.'
      : `What it signed and may still be paid is being canceled: ${outstanding.map(visible).join(', ')}.`;
  return [
    `${name} signs nothing any more. ${canceled}`,
    `Its key is destroyed when all of that has ended, and when the signer's own waiting time is over; "wallet balance ${name}" shows it.`,
  ].join('\n');
}
