import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';

const CHECK_MIN_MS = 10;

/**
 * kafkajs 2.2.4 looks at each connection's waiting requests again after a millisecond, for ever, with none there, and newer
 * Nodes warn of the negative time it asks for (github.com/tulios/kafkajs/issues/1704, 1751). Looked at are those that wait: for
 * the end of a broker's throttling; whatever else they wait for has them looked at when it ends.
 */
export function checkOnlyWhatWaits(): void {
  RequestQueue.prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length === 0 || this.throttleCheckTimeoutId) return;
    const throttledMs = this.throttledUntil - Date.now();
    const check = () => {
      this.throttleCheckTimeoutId = null;
      this.checkPendingRequests();
    };
    this.throttleCheckTimeoutId = setTimeout(check, Math.max(throttledMs, CHECK_MIN_MS));
  };
}
