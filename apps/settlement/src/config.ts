import { ChainSettings, ServiceSettings, TokenList, count } from '@countersign/hosting';
import { z } from 'zod';

/** Every setting of the settlement service, by environment variable. */
export const Settings = ServiceSettings.safeExtend({
  ...ChainSettings,
  /**
   * File with the hex private key of an account that pays gas: for withdrawals, cancellations, and smart accounts that
   * are deployed or given to a new key.
   */
  COUNTERSIGN_GAS_KEY_FILE: z.string().min(1).optional(),
  /** Token contracts whose balances are shown, separated by commas. */
  COUNTERSIGN_TOKENS: TokenList.default([]),
  /** How often the chain is asked about payments under way. */
  COUNTERSIGN_POLL_MS: count(50, 60_000).default(1_000),
});
export type Settings = z.infer<typeof Settings>;
