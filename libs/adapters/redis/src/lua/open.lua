return { 'open', redis.call('HGETALL', OPEN) }
