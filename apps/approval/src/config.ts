import { NotifierSettings, ServiceSettings, VaultSettings } from '@countersign/hosting';
import { z } from 'zod';

/** Every setting of the approval service, by environment variable. */
export const Settings = z.strictObject({
  ...ServiceSettings,
  ...VaultSettings,
  ...NotifierSettings,
});
export type Settings = z.infer<typeof Settings>;
