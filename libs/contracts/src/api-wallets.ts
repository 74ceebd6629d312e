import { z } from 'zod';
import { WalletKind } from './events/control-events.ts';
import { type Route, people } from './api-route.ts';
import { Done, PaymentView, WalletView } from './api-views.ts';
import { Address, Atomic, DigestHex, Name, Network, PaymentId } from './text.ts';

/** Routes about wallets: their keys, what they hold, and the loss of what they signed. */
export const WALLET_ROUTES = {
  requestWallet: {
    service: 'policy',
    method: 'POST',
    path: '/v1/wallets',
    who: ['operator'],
    summary: 'Create a wallet; the signer makes its key',
    body: z.strictObject({ wallet: Name, kind: WalletKind.optional() }),
    answer: z.object({ position: z.string(), address: z.string() }),
  },
  rotateWallet: {
    service: 'policy',
    method: 'POST',
    path: '/v1/wallets/:wallet/rotate',
    who: ['operator'],
    summary: 'Give a smart account to a new key; it signs nothing until that is final',
    answer: Done,
  },
  revokeWallet: {
    service: 'policy',
    method: 'POST',
    path: '/v1/wallets/:wallet/revoke',
    who: ['operator'],
    summary:
      'Stop a wallet for good and have its key destroyed; what it holds then can never be moved again',
    answer: z.object({
      position: z.string(),
      /** Payments it signed that are not known to have ended: their cancellation is under way. */
      outstanding: z.array(PaymentId),
    }),
  },
  unfreezeWallet: {
    service: 'policy',
    method: 'POST',
    path: '/v1/wallets/:wallet/unfreeze',
    who: ['operator'],
    summary: 'Let a wallet pay again that was frozen, whatever froze it',
    answer: Done,
  },
  readWallet: {
    service: 'settlement',
    method: 'GET',
    path: '/v1/wallets/:wallet',
    who: people,
    summary: 'Address and balances',
    answer: WalletView,
  },
  withdraw: {
    service: 'intake',
    method: 'POST',
    path: '/v1/wallets/:wallet/withdrawals',
    who: ['operator'],
    summary:
      'Move funds to the treasury; any other address than the one the policy names is denied',
    body: z.strictObject({ network: Network, asset: Address, amount: Atomic, to: Address }),
    answer: PaymentView,
  },
  readRestore: {
    service: 'policy',
    method: 'GET',
    path: '/v1/restore',
    who: people,
    summary: 'Whether records were lost and nothing is signed until somebody accepts it',
    answer: z.object({ digest: DigestHex.nullable() }),
  },
  acceptRestore: {
    service: 'policy',
    method: 'POST',
    path: '/v1/restore/accept',
    who: ['operator'],
    summary: 'Let payments go on after the log came back as an older copy of itself',
    body: z.strictObject({ digest: DigestHex }),
    answer: Done,
  },
} as const satisfies Record<string, Route>;
