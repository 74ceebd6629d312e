import { webhookNotifier } from '@countersign/adapter-webhook';
import { alertingDuty } from '@countersign/alerting/service';
import { type Composition, type Surroundings, openVault, ownKey } from '@countersign/hosting';
import type { Settings } from './config.ts';

/** Every alert the state calls for, raised once. */
export async function compose(
  settings: Settings,
  surroundings: Surroundings,
): Promise<Composition> {
  const vault = openVault(settings);
  const notifier = webhookNotifier({
    url: settings.COUNTERSIGN_WEBHOOK_URL,
    signingKey: await ownKey(vault, 'alerting', surroundings.trusted),
    timeoutMs: 5_000,
    allowPrivate: settings.COUNTERSIGN_WEBHOOK_ALLOW_PRIVATE === 'yes',
  });
  const pageUrl = `${settings.COUNTERSIGN_PUBLIC_URL}/approve`;
  return {
    modules: [],
    duties: [alertingDuty({ ...surroundings, notifier, pageUrl })],
    close: async () => vault.close(),
  };
}
