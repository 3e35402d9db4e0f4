"""What a release's code relies on in its schema, by PostgreSQL's catalogue; the next schema may only add to it."""

import psycopg

# What a statement names or needs: relations with their columns, keys for ON CONFLICT, functions, rights, roles.
_OFFERS = """
    SELECT format('%s.%s is %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod)) AS fact
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND a.attnum > 0
      AND NOT a.attisdropped
  UNION SELECT format('%s has one for each %s', conrelid::regclass, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u')
  UNION SELECT format('%s returns %s', oid::regprocedure, pg_get_function_result(oid))
    FROM pg_proc WHERE pronamespace = 'public'::regnamespace
  UNION SELECT format('%s may %s %s', grantee::regrole, privilege_type, relname)
    FROM pg_class, aclexplode(relacl) WHERE relnamespace = 'public'::regnamespace AND grantee <> relowner
  UNION SELECT format('%s may %s %s', grantee::regrole, privilege_type, oid::regprocedure)
    FROM pg_proc, aclexplode(proacl) WHERE pronamespace = 'public'::regnamespace AND grantee <> 0
  UNION SELECT format('%s reaches rows of %s: %s %s %s', roles, tablename, cmd, qual, with_check)
    FROM pg_policies WHERE schemaname = 'public'
  UNION SELECT format('%s is a member of %s', member::regrole, roleid::regrole) FROM pg_auth_members
"""

# What refuses a row, on which relation.
_DEMANDS = """
    SELECT c.relname AS relation, format('%s is not left out', a.attname) AS fact
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
      AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
  UNION SELECT c.relname, pg_get_constraintdef(k.oid)
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    WHERE k.connamespace = 'public'::regnamespace AND k.contype <> 'n'
  UNION SELECT c.relname, pg_get_indexdef(i.indexrelid)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
    WHERE c.relnamespace = 'public'::regnamespace AND i.indisunique
      AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)
  UNION SELECT c.relname, pg_get_triggerdef(t.oid)
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal
"""


def offers(connection: psycopg.Connection) -> set[str]:
    """Return what the code of this schema may count on."""
    return {fact for (fact,) in connection.execute(_OFFERS)}


def demands(connection: psycopg.Connection) -> set[tuple[str, str]]:
    """Return what each row that is written has to meet, with the table's name."""
    return {(relation, fact) for relation, fact in connection.execute(_DEMANDS)}
