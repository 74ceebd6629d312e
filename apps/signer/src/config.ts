import { Atomic } from '@countersign/contracts';
import { ChainSettings, ServiceSettings, VaultSettings } from '@countersign/hosting';
import { z } from 'zod';

/** Every setting of the signer, by environment variable. */
export const Settings = z.strictObject({
  ...ServiceSettings,
  ...VaultSettings,
  ...ChainSettings,
  /** Most one payment may move, in atomic units of its token. */
  COUNTERSIGN_CEILING_PER_PAYMENT: Atomic,
  /** Most one wallet may sign away in 24 hours, in atomic units of each token. */
  COUNTERSIGN_CEILING_PER_DAY: Atomic,
});
export type Settings = z.infer<typeof Settings>;
