import { findAsset } from '@countersign/contracts';
import { fromDecimal } from '@countersign/kernel';
import type { AnswerOf } from '@countersign/sdk';
import type { Command } from 'commander';
import { CommandError, type Open, UsageError } from '../session.ts';
import { facts, table, visible } from '../text.ts';
import { summary } from './payment-text.ts';

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
    .action(async (name: string, _options: unknown, command: Command) => {
      const session = open(command);
      const answer = await session.call('requestWallet', { body: { wallet: name } });
      session.show(answer, () =>
        facts(session.terminal, [
          ['wallet', visible(name)],
          ['address', visible(answer.address)],
        ]),
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
            ['address', visible(answer.address)],
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
