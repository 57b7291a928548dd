"""One file a chat platform: translate in, translate out. A connector knows bot.messages, bot.errors and bot.connector only."""
