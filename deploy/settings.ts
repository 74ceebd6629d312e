import type { Service } from '@countersign/contracts';
import type { z } from 'zod';
import { Settings as alerting } from '../apps/alerting/src/config.ts';
import { Settings as approval } from '../apps/approval/src/config.ts';
import { Settings as intake } from '../apps/intake/src/config.ts';
import { Settings as policy } from '../apps/policy/src/config.ts';
import { Settings as recorder } from '../apps/recorder/src/config.ts';
import { Settings as settlement } from '../apps/settlement/src/config.ts';
import { Settings as signer } from '../apps/signer/src/config.ts';

/** What each service is told, as it reads it. */
export const SETTINGS: Readonly<Record<Service, z.ZodType>> = {
  ...{ intake, policy, approval, signer, settlement, alerting, recorder },
};
