export type { Resolve } from './destination.ts';
export { firstAccepting } from './first-accepting.ts';
export { terminalNotifier } from './terminal-notifier.ts';
export { type WebhookOptions, webhookNotifier } from './webhook-notifier.ts';
