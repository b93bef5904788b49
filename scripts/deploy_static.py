"""Shows this clone's board in a free static Space: `make deploy-static ORG=alice` exports it and uploads what changed."""
