/** A message to people. Facts we established come first; text from agent or seller comes last and is only quoted. */
export interface Notification {
  /** The same id is the same message: a receiver may see it twice. */
  readonly id: string;
  readonly kind: 'approval_wanted' | 'veto_window' | 'alert';
  readonly tenant: string;
  /** The payment it is about, if it is about one. */
  readonly paymentId?: string;
  readonly title: string;
  readonly facts: readonly { readonly name: string; readonly value: string }[];
  /** Words of the agent, capped, with control and bidirectional characters made visible. */
  readonly quoted?: string;
  /** Where a person can act, on our own page. */
  readonly link?: string;
}

/** Delivers to people; resolves only when the receiver took responsibility for the message. */
export interface Notifier {
  /** @throws Fault `notification_not_accepted`, with whether trying again may help. */
  notify(notification: Notification): Promise<void>;
}
