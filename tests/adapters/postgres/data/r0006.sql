-- What a database of revision 0006 may hold: the thumbs of people are new.
INSERT INTO reviews
  (tenant_id, review_id, repository_id, number, head_sha, kind, state, reason, sequence, github_review_id,
   files_total, files_reviewed, findings_total, finished_at)
VALUES
  ('github.com:1', '00000000-0000-0000-0000-000000000001', 1, 1, 'a', 'auto', 'posted', NULL, 1, 11, 3, 2, 3, '2026-03-01T00:00:00Z'),
  ('github.com:1', '00000000-0000-0000-0000-000000000002', 1, 1, 'b', 'auto', 'superseded', 'c', 2, NULL, NULL, NULL, NULL, '2026-03-31T23:59:59.999999Z'),
  ('github.com:1', '00000000-0000-0000-0000-000000000003', 1, 2, 'c', 'comment:5', 'failed', 'reason', 1, NULL, NULL, NULL, 0, '2026-04-01T00:00:00Z'),
  ('github.com:2', '00000000-0000-0000-0000-000000000001', 9, 1, 'a', 'auto', 'skipped', 'draft', 1, NULL, NULL, NULL, NULL, '2026-03-15T00:00:00Z');

INSERT INTO findings
  (tenant_id, review_id, ordinal, created_at, agent, engine, rule, severity, path, side, line, placement, title, body, fingerprint)
VALUES
  ('github.com:1', '00000000-0000-0000-0000-000000000001', 0, '2026-03-01T00:00:00Z', 'ruff', 'ruff 0.14', 'S602', 'high', 'a.py', 'RIGHT', 1, 'inline', 't', 'b', 'f0'),
  ('github.com:1', '00000000-0000-0000-0000-000000000001', 1, '2026-03-01T00:00:00Z', 'correctness', 'mock', 'logic', 'low', 'a.py', NULL, NULL, 'body', 't', 'b', 'f1'),
  ('github.com:1', '00000000-0000-0000-0000-000000000001', 2, '2019-01-01T00:00:00Z', 'correctness', 'mock', 'logic', 'info', 'a.py', NULL, NULL, 'dropped', 't', 'b', 'f2');

INSERT INTO audit_log (tenant_id, seq, at, actor, action, target, details, prev_hash, hash)
VALUES
  ('github.com:1', 1, '2026-03-01T00:00:00Z', 'actor', 'action', 'target', '{"a": 1}', '\x00', '\x01'),
  ('github.com:1', 2, '2026-03-01T00:00:00Z', 'actor', 'action', 'target', '{}', '\x01', '\x02'),
  ('github.com:2', 1, '2026-03-01T00:00:00Z', 'actor', 'action', 'target', '{}', '\x00', '\x01');

UPDATE reviews SET is_identified = true WHERE state = 'posted';

INSERT INTO finding_identity
  (tenant_id, repository_id, number, fingerprint, status, agent, rule, severity, path, first_review_id, last_review_id,
   closed_review_id, sequence, times_reopened, created_at, updated_at)
VALUES
  ('github.com:1', 1, 1, 'f0', 'open', 'ruff', 'S602', 'high', 'a.py', '00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000001', NULL, 1, 2, '2026-03-01T00:00:00Z', '2026-03-01T00:00:00Z'),
  ('github.com:1', 1, 1, 'f1', 'fixed', 'correctness', 'logic', 'low', 'a.py', '00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002', 2, 0, '2026-03-01T00:00:00Z', '2026-03-31T00:00:00Z'),
  ('github.com:1', 1, 1, 'f2', 'dismissed', 'correctness', 'logic', 'info', 'a.py', '00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000001', NULL, 1, 0, '2026-03-01T00:00:00Z', '2026-03-01T00:00:00Z');

INSERT INTO usage
  (tenant_id, review_id, agent, engine, prompt_version, status, reason, calls, input_tokens, output_tokens, cached_tokens, findings, created_at)
VALUES
  ('github.com:1', '00000000-0000-0000-0000-000000000001', 'ruff', 'ruff 0.14', NULL, 'complete', NULL, 0, 0, 0, 0, 1, '2026-03-01T00:00:00Z'),
  ('github.com:1', '00000000-0000-0000-0000-000000000001', 'correctness', 'mock', '1', 'failed', 'reason', 2, 9223372036854775807, 1, 0, 2, '2026-03-01T00:00:00Z');

INSERT INTO archives (tenant_id, relation, period_start, object_key, sha256, row_count, byte_count, schema_revision, state, created_at)
VALUES ('github.com:1', 'findings', '2025-03-01', 'archives/github.com/1/findings/2025-03', repeat('a', 64), 10, 100, '0002', 'dropped', '2026-03-01T00:00:00Z');

UPDATE archives SET restored_until = '2026-04-01T00:00:00Z' WHERE state = 'restored';

UPDATE finding_identity SET thumbs_up = 3, thumbs_down = 1, votes_sequence = 2 WHERE status = 'open';

INSERT INTO retention (tenant_id, keep_days, hold_until, deleting_since, changed_at)
VALUES
  ('github.com:1', 30, '2030-01-01', NULL, '2026-03-01T00:00:00Z'),
  ('github.com:2', 3650, NULL, '2026-03-01T00:00:00Z', '2026-03-01T00:00:00Z');
