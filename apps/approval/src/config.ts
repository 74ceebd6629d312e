import {
  NotifierSettings,
  ServiceSettings,
  VaultSettings,
  withVaultLogin,
} from '@countersign/hosting';
import { z } from 'zod';

/** Every setting of the approval service, by environment variable. */
export const Settings = withVaultLogin(
  z.strictObject({
    ...ServiceSettings,
    ...VaultSettings,
    ...NotifierSettings,
  }),
);
export type Settings = z.infer<typeof Settings>;
