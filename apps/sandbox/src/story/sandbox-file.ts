/** Where a running story says how its chain is reached. */
export const SANDBOX_FILE = '.local/story/sandbox.json';
