"""What PostgreSQL's catalogue says of the walls between tenants: every gap, in words."""

from collections.abc import Iterator

import psycopg

APP_ROLES = ["codereview_writer", "codereview_reader"]
ALL_ROLES = [*APP_ROLES, "codereview_maintenance"]
TABLES_OWNER = "codereview_tables"  # nobody signs in as it

# Each command's policy says the same, on what is read and on what is written.
OWN_ROWS = "(tenant_id = NULLIF(current_setting('app.tenant'::text, true), ''::text))"
_POLICIES = {"r": (OWN_ROWS, None), "a": (None, OWN_ROWS), "w": (OWN_ROWS, OWN_ROWS), "d": (OWN_ROWS, None)}
_EVERYBODY = "{-}"
# Where maintenance looks for its work among all tenants'; it changes nobody's rows but those of the tenant it names.
_READ_BY_MAINTENANCE = {"reviews", "findings", "archives", "audit_log", "retention"}
_MAINTENANCE_READS = ("r", "true", None, "{codereview_maintenance}", True)

# What each role may do; anything else is a gap. Partitions and the list of revisions are nobody's.
_GRANTS = {
    "codereview_writer": {
        "reviews": "INSERT SELECT UPDATE",
        "findings": "INSERT SELECT",
        "usage": "INSERT SELECT",
        "finding_identity": "INSERT SELECT UPDATE",
        "audit_log": "INSERT SELECT",
    },
    "codereview_reader": dict.fromkeys(
        (
            *("reviews", "findings", "usage", "finding_identity", "archives", "audit_log", "retention"),
            *("report_findings", "report_precision", "report_usage"),
        ),
        "SELECT",
    ),
    "codereview_maintenance": {
        "reviews": "DELETE SELECT",
        "findings": "DELETE INSERT SELECT",
        "usage": "DELETE SELECT",
        "finding_identity": "DELETE SELECT",
        "archives": "DELETE INSERT SELECT UPDATE",
        "retention": "DELETE INSERT SELECT UPDATE",
        "audit_log": "INSERT SELECT",
    },
}

_TENANT_TABLES = """
    SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity, c.relispartition
    FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
      AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')
    ORDER BY c.relname
"""


def gaps(connection: psycopg.Connection) -> list[str]:
    """List every gap."""
    checks = (_row_security, _tables, _roles, _grants, _views, _functions, _unique_keys, _foreign_keys, _version)
    return [gap for check in checks for gap in check(connection)]


def tenant_tables(connection: psycopg.Connection) -> list[str]:
    """Name the tables that hold tenants' rows, without partitions."""
    return [name for _, name, _, _, is_partition in connection.execute(_TENANT_TABLES) if not is_partition]


def _row_security(connection: psycopg.Connection) -> Iterator[str]:
    for oid, name, is_enabled, is_forced, is_partition in connection.execute(_TENANT_TABLES).fetchall():
        if not is_enabled:
            yield f"{name}: row security is off"
        if not is_forced:
            yield f"{name}: row security is not forced"
        policies = connection.execute(
            "SELECT polcmd::text, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid),"
            " polroles::regrole[]::text, polpermissive FROM pg_policy WHERE polrelid = %s",
            [oid],
        ).fetchall()
        # A partition that is named directly has no policy at all, hence no rows.
        expected = {(command, *both, _EVERYBODY, True) for command, both in _POLICIES.items()}
        expected |= {_MAINTENANCE_READS} if name in _READ_BY_MAINTENANCE else set()
        expected = set() if is_partition else expected
        for policy in set(policies) ^ expected:
            yield f"{name}: policy {policy[:3]} is {'missing' if policy in expected else 'too much'}"


def _tables(connection: psycopg.Connection) -> Iterator[str]:
    """Find tables that hold no tenant's rows: only the list of revisions may."""
    for (name,) in connection.execute("""
        SELECT relname FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'f')
          AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')
    """).fetchall():
        if name != "alembic_version":
            yield f"{name}: no tenant_id"


def _roles(connection: psycopg.Connection) -> Iterator[str]:
    flags = connection.execute(
        "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication, rolcanlogin"
        " FROM pg_roles WHERE rolname = ANY(%s)",
        [[*ALL_ROLES, TABLES_OWNER]],
    ).fetchall()
    yield from (f"{name}: is missing" for name in {*ALL_ROLES, TABLES_OWNER} - {row[0] for row in flags})
    yield from (f"{row[0]}: has an attribute that gets around row security" for row in flags if any(row[1:-1]))
    yield from (f"{row[0]}: can sign in" for row in flags if row[0] == TABLES_OWNER and row[-1])
    memberships = connection.execute(
        "SELECT m.rolname, r.rolname FROM pg_roles m, pg_roles r"
        " WHERE m.rolname = ANY(%s) AND r.oid <> m.oid AND r.rolname <> 'rds_iam'"
        " AND pg_has_role(m.oid, r.oid, 'MEMBER')",
        [[*ALL_ROLES, TABLES_OWNER]],
    ).fetchall()
    allowed = ("codereview_maintenance", TABLES_OWNER)
    yield from (f"{member}: can become {role}" for member, role in memberships if (member, role) != allowed)
    inherited = connection.execute("SELECT pg_has_role('codereview_maintenance', %s, 'USAGE')", [TABLES_OWNER])
    yield from ("codereview_maintenance: owns the tables unasked" for (is_owner,) in inherited if is_owner)
    others = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        " AND relname <> 'alembic_version' AND relowner <> %s::regrole",
        [TABLES_OWNER],
    ).fetchall()
    yield from (f"{name}: does not belong to {TABLES_OWNER}" for (name,) in others)
    owned = connection.execute(
        "SELECT r.rolname, c.relname FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = ANY(%s)",
        [ALL_ROLES],
    ).fetchall()
    yield from (f"{role}: owns {name}" for role, name in owned)
    creators = connection.execute(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND (has_schema_privilege(oid, 'public', 'CREATE')"
        " OR has_database_privilege(oid, current_database(), 'CREATE'))",
        [ALL_ROLES],
    ).fetchall()
    yield from (f"{name}: can create objects" for (name,) in creators)


def _grants(connection: psycopg.Connection) -> Iterator[str]:
    """Compare what each role may do with each table, by itself or through PUBLIC, with what it should."""
    granted = connection.execute(
        """
        SELECT r.rolname, c.relname, string_agg(p.name, ' ' ORDER BY p.name)
        FROM pg_roles r, pg_class c,
             unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS p (name)
        WHERE r.rolname = ANY(%s) AND c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
          AND has_table_privilege(r.oid, c.oid, p.name)
        GROUP BY 1, 2
        """,
        [ALL_ROLES],
    ).fetchall()
    actual = {(role, table): rights for role, table, rights in granted}
    wanted = {(role, table): rights for role, tables in _GRANTS.items() for table, rights in tables.items()}
    for role, table in sorted(actual.keys() | wanted.keys()):
        has, should = actual.get((role, table)), wanted.get((role, table))
        if has != should:
            yield f"{role}: may {has} on {table} and not {should}"


def _views(connection: psycopg.Connection) -> Iterator[str]:
    for name, kind, options in connection.execute(
        "SELECT relname, relkind::text, coalesce(reloptions, '{}') FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')"
    ).fetchall():
        if kind == "m":
            yield f"{name}: row security never filters a materialized view"
        elif not {"security_invoker=true", "security_invoker=on"} & set(options):
            yield f"{name}: the view reads with its owner's rights"


def _functions(connection: psycopg.Connection) -> Iterator[str]:
    for name, is_definer, settings in connection.execute(
        "SELECT proname, prosecdef, coalesce(proconfig, '{}') FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    ).fetchall():
        if is_definer:
            yield f"{name}: runs with its owner's rights"
        if not any(setting.startswith("search_path=") for setting in settings):
            yield f"{name}: its search_path is the caller's"


def _unique_keys(connection: psycopg.Connection) -> Iterator[str]:
    keys = connection.execute("""
        SELECT i.indexrelid::regclass::text
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
        WHERE c.relnamespace = 'public'::regnamespace AND (i.indisunique OR i.indisexclusion)
          AND c.relname <> 'alembic_version'
          AND (SELECT attname FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = i.indkey[0])
              IS DISTINCT FROM 'tenant_id'
    """).fetchall()
    yield from (f"{name}: a unique key that does not start with tenant_id" for (name,) in keys)


def _foreign_keys(connection: psycopg.Connection) -> Iterator[str]:
    keys = connection.execute("""
        SELECT conrelid::regclass::text, conname FROM pg_constraint c
        WHERE contype = 'f' AND NOT EXISTS (
          SELECT FROM unnest(c.conkey, c.confkey) AS pair (own, theirs)
          JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = pair.own AND a.attname = 'tenant_id'
          JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = pair.theirs AND b.attname = 'tenant_id'
        )
    """).fetchall()
    yield from (f"{table}: {name} does not lead to the tenant's own row" for table, name in keys)


def _version(connection: psycopg.Connection) -> Iterator[str]:
    (number,) = connection.execute("SELECT current_setting('server_version_num')::int").fetchone() or (0,)
    if not any(low <= number < low // 10_000 * 10_000 + 10_000 for low in (150_014, 160_010, 170_006, 180_000)):
        yield f"{number}: a server with known gaps"
