import { webhookNotifier } from '@countersign/adapter-webhook';
import { ApprovalModule, approvalDuty } from '@countersign/approval/service';
import { type Composition, type Surroundings, openVault, ownKey } from '@countersign/hosting';
import type { Settings } from './config.ts';

/** What waits for people: telling them, their grants and vetoes, and when silence is the answer. */
export async function compose(
  settings: Settings,
  surroundings: Surroundings,
): Promise<Composition> {
  const { host, trusted, clock } = surroundings;
  const vault = openVault(settings);
  const key = await ownKey(vault, 'approval', trusted);
  const notifier = webhookNotifier({
    url: settings.COUNTERSIGN_WEBHOOK_URL,
    signingKey: key,
    timeoutMs: 5_000,
    allowPrivate: settings.COUNTERSIGN_WEBHOOK_ALLOW_PRIVATE === 'yes',
  });
  const pageUrl = `${settings.COUNTERSIGN_PUBLIC_URL}/approve`;
  return {
    modules: [ApprovalModule.with({ host, key, clock })],
    duties: [approvalDuty({ ...surroundings, key, notifier, pageUrl })],
    close: async () => vault.close(),
  };
}
