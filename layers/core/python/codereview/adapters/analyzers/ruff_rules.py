"""The ruff rules we run, with what each is worth: bugs and security, nothing about style.

The keys of SEVERITIES are the selection. Left out on purpose, for being noise or somebody else's job: asserts (S101),
partial paths and shell-less processes (S603, S606, S607), temporary paths (S108), swallowed exceptions (S110, S112),
hard-coded passwords (S105 to S107: the `secrets` engine judges values), audit reminders (S310, S601), calls in defaults
(B008: a framework's idiom), what takes any method of a common name for its own (S610, LOG004, LOG014), everything in
preview.
"""

from collections.abc import Mapping

from codereview.domain.finding import Severity

SYNTAX_ERROR = "invalid-syntax"  # ruff's name; it cannot be selected, and is always on

_RULES: Mapping[Severity, str] = {
    Severity.HIGH: """
        S201 S202 S302 S501 S502 S506 S507 S602 S604 S605 S608 S611 S612
        F502 F503 F505 F506 F507 F509 F521 F524 F525 F621 F622 F633 F634 F701 F702 F704 F706 F707 F821 F823
        PLE0100 PLE0101 PLE0115 PLE0117 PLE0118 PLE0237 PLE0241 PLE0302 PLE0303 PLE0304 PLE0305 PLE0307 PLE0308 PLE0309
        PLE0604 PLE0605 PLE0643 PLE0704 PLE1132 PLE1142 PLE1205 PLE1206 PLE1300 PLE1307 PLE1519 PLE1520 PLE1700 PLE2502
        B002 B016 B029 B030 RUF016
    """,
    Severity.MEDIUM: """
        S102 S103 S301 S304 S305 S306 S307 S313 S314 S315 S316 S317 S318 S319 S321 S312 S323 S324 S503 S504 S505 S508
        S509 S609 S701 S702 S704 S308
        F402 F404 F407 F501 F504 F508 F601 F602 F631 F632 F722 F811 F822 F901
        PLE0116 PLE1310 PLE1507 PLE2510 PLE2512 PLE2513 PLE2514 PLE2515
        PLW0128 PLW0129 PLW0131 PLW0133 PLW0177 PLW0245 PLW0711 PLW1501 PLW1507 PLW1509 PLW2101
        B003 B005 B006 B012 B015 B021 B022 B025 B031 B032 B034 B035 B039
        ASYNC100 ASYNC105 ASYNC210 ASYNC212 ASYNC220 ASYNC221 ASYNC222 ASYNC250 ASYNC251
        RUF006 RUF008 RUF018 RUF024 RUF026 RUF030 RUF033 RUF034 RUF040 RUF048 RUF049 RUF053 RUF060 RUF064
        SIM220 SIM221 SIM222 SIM223 T100 YTT101 YTT102 YTT103 YTT204 YTT301 YTT302 YTT303
        PIE794
    """,
    Severity.LOW: """
        S104 S113 S311 B004 B019 B020 B023 PLW0127 PLR0124 F522 F523 PLW0406 PLW1508 PLW3301 B014 B018 B033 ASYNC110
        ASYNC115 ASYNC230 RUF009 RUF032 PIE796 INT001 INT002 INT003 LOG001 LOG002 DJ003 DJ007
    """,
}
SEVERITIES: Mapping[str, Severity] = {rule: severity for severity, rules in _RULES.items() for rule in rules.split()}

# ruff's own words for a command that is a constant: not a finding, whoever wrote the constant can change the code too.
SEEMS_SAFE = "seems safe"

# In a test suite these are how tests are written, not weaknesses.
NOT_IN_TESTS = frozenset(
    rule
    for rule in SEVERITIES
    if (rule.startswith("S") and not rule.startswith("SIM") and SEVERITIES[rule] is not Severity.HIGH)
    or rule in {"S608", "S501", "S201", "B015", "B018", "PLR0124", "F811", "PLW0127", "ASYNC230"}
)

# Why it matters and what to do, where ruff's one sentence leaves that open.
ADVICE: Mapping[str, str] = {
    "S102": "Whoever controls the text runs code. Parse the input, or look the action up in a table.",
    "S103": "Other users of the machine may read or replace the file. Grant the narrowest mode that works.",
    "S104": "The service is reachable on every network of the machine. Bind to the interface that is meant.",
    "S113": "Without a time limit a silent server blocks the caller for ever. Pass `timeout=`.",
    "S201": "The debugger lets whoever reaches the page run code. Leave debug mode to the development environment.",
    "S202": "Members of an archive can be written outside of the target folder. Pass `filter='data'`.",
    "S301": "Loading a pickle runs code that its author chose. Use a data format (JSON) for what others can change.",
    "S302": "Marshal data from others can crash or take over the process. Use a data format (JSON).",
    "S304": "The cipher is broken or outdated. Use an authenticated cipher such as AES-GCM.",
    "S305": "The mode leaks patterns of the plain text. Use an authenticated mode such as GCM.",
    "S306": "Another process can create the file between the name and its use. Use `mkstemp` or `NamedTemporaryFile`.",
    "S307": "Whoever controls the text runs code. Use `ast.literal_eval` or a parser.",
    "S308": "Marked text is not escaped: whoever controls it runs scripts in the reader's browser. Use `format_html`.",
    "S311": "The numbers can be predicted. For tokens, passwords and keys use the `secrets` module.",
    "S323": "The certificate is not checked, so that anybody on the way can answer. Use the default context.",
    "S324": "Collisions can be made at will. Use SHA-256, or a password hash for passwords.",
    "S501": "The certificate is not checked, so that anybody on the way can read and change the traffic.",
    "S502": "The protocol version is broken. Leave the choice to `ssl.create_default_context()`.",
    "S506": "The loader builds any object that the document names, which runs code. Use `yaml.safe_load`.",
    "S507": "An unknown host is trusted at once, so that anybody on the way can take its place.",
    "S602": "A value that reaches the command line can add commands. Pass a list of arguments without a shell.",
    "S604": "A value that reaches the command line can add commands. Pass a list of arguments without a shell.",
    "S605": "A value that reaches the command line can add commands. Use `subprocess` with a list of arguments.",
    "S608": "A value that is put into the statement can change it. Pass values as parameters of the query.",
    "S609": "A file whose name is an option changes what the command does. List the files, or put `--` before them.",
    "S611": "A value that is put into the statement can change it. Pass values through `params`.",
    "S612": "Whoever reaches the port can send a configuration, which runs code.",
    "S701": "Values are not escaped, so that whoever controls them runs scripts in the reader's browser.",
    "S702": "Values are not escaped, so that whoever controls them runs scripts in the reader's browser.",
    "S704": "The text is not escaped: whoever controls it runs scripts in the reader's browser.",
    "B006": "The default is made once and shared by all calls. Use `None`, and make the value inside.",
    "B023": "The function sees the variable's last value, not the one of its own turn. Bind it as a default argument.",
    "F821": "The line raises NameError when it is reached.",
    "PLE2502": "Such characters make code look different from what is run.",
    "RUF006": "Nothing holds the task, and a task without a reference may be collected before it has ended.",
    "ASYNC210": "The call stops every other task of the event loop until it returns.",
    "ASYNC251": "The call stops every other task of the event loop until it returns. Use the loop's own sleep.",
    "T100": "A debugger's stop in the code halts the program where nobody watches.",
    SYNTAX_ERROR: "The file does not parse, and nothing else in it could be checked.",
}
