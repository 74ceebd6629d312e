import { WalletKind, findAsset } from '@countersign/contracts';
import { fromDecimal } from '@countersign/kernel';
import type { AnswerOf } from '@countersign/sdk';
import type { Command } from 'commander';
import { CommandError, type Open, UsageError } from '../session.ts';
import { facts, table, visible } from '../text.ts';
import { summary } from './payment-text.ts';
import { addRevoke } from './wallet-revoke.ts';

type Wallet = AnswerOf<'readWallet'>;

interface WithdrawOptions {
  readonly to: string;
  readonly asset?: string;
  readonly yes?: boolean;
}

/** Wallets: their making, their balances, and the way out to the treasury. */
export function addWalletCommands(program: Command, open: Open): void {
  const wallet = program.command('wallet').description('wallets');
  wallet
    .command('create <name>')
    .description('create a wallet; the signer makes its key')
    .option('--kind <kind>', `${WalletKind.options.join(' or ')}`, 'eoa-secp256k1')
    .action(async (name: string, options: { kind: string }, command: Command) => {
      const kind = WalletKind.safeParse(options.kind);
      if (!kind.success)
        throw new UsageError(`"${options.kind}" is no kind: ${WalletKind.options.join(' or ')}`);
      const session = open(command);
      const answer = await session.call('requestWallet', {
        body: { wallet: name, kind: kind.data },
      });
      session.show(answer, () =>
        [
          facts(session.terminal, [
            ['wallet', visible(name)],
            ['address', visible(answer.address)],
          ]),
          ...(kind.data === 'erc1271-p256'
            ? ['', `Fund it when "wallet balance ${visible(name)}" shows it ready on its network.`]
            : []),
        ].join('\n'),
      );
    });
  wallet
    .command('rotate <name>')
    .description('give a smart account to a new key; it pays nothing until that is final')
    .action(async (name: string, _options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('rotateWallet', { params: { wallet: name } });
      session.show(
        answer,
        () =>
          `${visible(name)} signs nothing more with its old key; "wallet balance ${visible(name)}" shows when the new one is in.`,
      );
    });
  wallet
    .command('balance <name>')
    .description('address and balances')
    .action(async (name: string, _options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('readWallet', { params: { wallet: name } });
      session.show(answer, () =>
        [
          facts(session.terminal, [
            ['wallet', visible(answer.wallet)],
            ['kind', visible(answer.kind)],
            ['state', stateOf(answer)],
            ['address', visible(answer.address)],
            ...accountFacts(answer),
          ]),
          '',
          table(session.terminal, answer.balances, {
            none: 'No token is watched for it.',
            columns: [
              { title: 'BALANCE', of: (it) => it.decimal, right: true },
              { title: 'SYMBOL', of: (it) => it.symbol },
              { title: 'ASSET', of: (it) => it.asset },
            ],
          }),
        ].join('\n'),
      );
    });
  addWithdraw(wallet, open);
  addRevoke(wallet, open);
  addUnfreeze(wallet, open);
  addRestore(program, open);
}

function addUnfreeze(wallet: Command, open: Open): void {
  wallet
    .command('unfreeze <name>')
    .description('let a wallet pay again whose money or signatures were in no record')
    .action(async (name: string, _options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('unfreezeWallet', { params: { wallet: name } });
      session.show(answer, () => `Wallet ${visible(name)} may pay again.`);
    });
}

/** After the log came back as an older copy of itself: what is lost, and going on without it. */
function addRestore(program: Command, open: Open): void {
  const restore = program.command('restore').description('loss of records');
  restore
    .command('status')
    .description('whether records were lost and everything is stopped')
    .action(async (_options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('readRestore');
      session.show(answer, () =>
        answer.digest === null
          ? 'No loss of records waits to be accepted.'
          : `Records were lost, and nothing is signed. To go on without them: countersign restore accept ${answer.digest}`,
      );
    });
  restore
    .command('accept <digest>')
    .description('let payments go on without what was lost')
    .action(async (digest: string, _options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('acceptRestore', { body: { digest } });
      session.show(answer, () => 'Payments go on. Wallets that lost signatures stay frozen.');
    });
}

function stateOf({ revocation, frozen }: Wallet): string {
  if (revocation) return revocation === 'done' ? 'revoked' : 'revoked, its key not yet destroyed';
  return frozen ? 'frozen' : 'active';
}

function accountFacts({ account }: Wallet): [string, string][] {
  if (!account) return [];
  const { keyVersion, networks } = account;
  return [
    ['owner', `key ${keyVersion}`],
    ...networks.map(({ network, state }): [string, string] => [visible(network), state]),
  ];
}

function addWithdraw(wallet: Command, open: Open): void {
  wallet
    .command('withdraw <name> <amount>')
    .description('move funds to the treasury; policy denies any other address')
    .requiredOption('--to <address>', 'the treasury address the policy names')
    .option('--asset <asset>', 'symbol or CAIP-19 id, where the wallet holds several')
    .option('-y, --yes', 'do not ask')
    .action(async (...call: [string, string, WithdrawOptions, Command]) => {
      const [name, amount, options, command] = call;
      const session = open(command);
      const from = await session.call('readWallet', { params: { wallet: name } });
      const { network, address, symbol, decimals } = assetOf(from, options.asset);
      const atomic = fromDecimal(amount, decimals);
      if (atomic === undefined || atomic === 0n)
        throw new UsageError(`"${amount}" is no amount of ${symbol}; write it like 1.50`);
      const agreed = await session.confirm(
        `Move ${amount} ${symbol} from ${from.address} to ${visible(options.to)}?`,
        options.yes,
      );
      if (!agreed) {
        session.terminal.out('Nothing was moved.');
        return;
      }
      const body = { network, asset: address, amount: atomic.toString(), to: options.to };
      const payment = await session.call('withdraw', { params: { wallet: name }, body });
      session.show(payment, () => summary(session.terminal, payment));
      const { code, status } = payment;
      if (status === 'denied' || status === 'frozen' || status === 'refused')
        throw new CommandError(
          code ?? status,
          `The withdrawal is ${status}, and nothing was moved`,
        );
    });
}

/** The one asset that is meant. Its decimals come from our table: without them an amount means nothing. */
function assetOf({ balances }: Wallet, wanted: string | undefined) {
  const found = balances.filter(
    ({ asset, symbol }) => wanted === undefined || wanted === symbol || wanted === asset,
  );
  const [only] = found;
  if (!only || found.length > 1) {
    const there = balances.map(({ asset, symbol }) => `${symbol} (${asset})`).join(', ');
    throw new UsageError(`name one asset with --asset; the wallet has ${visible(there) || 'none'}`);
  }
  const [network = '', token = ''] = only.asset.split('/erc20:');
  const known = findAsset(network, token);
  if (!known) throw new UsageError(`the token ${visible(only.asset)} is not one we know`);
  return known;
}
