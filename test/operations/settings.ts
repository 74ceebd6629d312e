import type { Service } from '@countersign/contracts';
import { z } from 'zod';
import { Settings as alerting } from '../../apps/alerting/src/config.ts';
import { Settings as approval } from '../../apps/approval/src/config.ts';
import { Settings as intake } from '../../apps/intake/src/config.ts';
import { Settings as policy } from '../../apps/policy/src/config.ts';
import { Settings as recorder } from '../../apps/recorder/src/config.ts';
import { Settings as settlement } from '../../apps/settlement/src/config.ts';
import { Settings as signer } from '../../apps/signer/src/config.ts';

const SCHEMAS: Readonly<Record<Service, z.ZodType>> = {
  ...{ intake, policy, approval, signer, settlement, alerting, recorder },
};

/** What a service would say to these variables: nothing, or each fault. As `--check-config` does it. */
export function faultsOf(
  service: Service,
  environment: Readonly<Record<string, string>>,
): string[] {
  const ours = Object.entries(environment).filter(([name]) => name.startsWith('COUNTERSIGN_'));
  const parsed = SCHEMAS[service].safeParse(Object.fromEntries(ours));
  return parsed.success ? [] : [`${service}: ${z.prettifyError(parsed.error)}`];
}
