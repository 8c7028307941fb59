package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// What a command ends with.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// commands is the command line: a command is a field here, and a type with Help
// (what it does, an example) and Run.
type commands struct {
	Demo     demoCommand    `cmd:"" help:"Try the portal, with made-up people on a database of its own."`
	Serve    serveCommand   `cmd:"" help:"Serve the portal."`
	Check    checkCommand   `cmd:"" help:"Say whether configuration, database, keys, clock and mail are right."`
	Migrate  migrateCommand `cmd:"" help:"Bring the database's schema up to this program."`
	Backup   backupCommand  `cmd:"" help:"Write the whole portal into one encrypted file."`
	Restore  restoreCommand `cmd:"" help:"Put a backup into an empty database."`
	Move     moveCommand    `cmd:"" help:"Move the portal to another database, such as from SQLite to PostgreSQL."`
	Operator struct {
		Add   operatorAddCommand   `cmd:"" help:"Make somebody an operator, by a one-time link."`
		Reset operatorResetCommand `cmd:"" help:"Make an operator's sign-in void and give a new one-time link."`
	} `cmd:"" help:"Add or reset operators, the staff who run the portal."`
	Organization struct {
		Add     organizationAddCommand     `cmd:"" help:"Add an organization with its first Portal Admin."`
		List    organizationListCommand    `cmd:"" help:"Show the organizations."`
		Suspend organizationSuspendCommand `cmd:"" help:"Close an organization to its people."`
		Return  organizationReturnCommand  `cmd:"" help:"Open a suspended organization again."`
	} `cmd:"" help:"Keep the register of organizations, the customer companies."`
	Account struct {
		Import accountImportCommand `cmd:"" help:"Bring the people of an existing portal over from a file."`
		List   accountListCommand   `cmd:"" help:"List accounts, and who still has a password hash of another system."`
	} `cmd:"" help:"Bring people over, and list them."`
	Key struct {
		Show   keyShowCommand   `cmd:"" help:"Show the keys, what each seals, and which nodes have them."`
		Add    keyAddCommand    `cmd:"" help:"Write a new key into the key file, to be copied to every node."`
		Rotate keyRotateCommand `cmd:"" help:"Seal with the newest key, and seal anew what others sealed."`
		Retire keyRetireCommand `cmd:"" help:"Take a key out of use and out of the key file."`
	} `cmd:"" help:"Change the keys of the key file while the portal is open."`
	Clock struct {
		Accept clockAcceptCommand `cmd:"" help:"Accept that the clock stands earlier than what was seen before."`
	} `cmd:"" help:"Mend the portal's time."`
	Audit struct {
		Verify auditVerifyCommand `cmd:"" help:"Say whether the record was tampered with, and where."`
		Export auditExportCommand `cmd:"" help:"Write the record as JSON lines."`
	} `cmd:"" help:"Verify or export the record of who did what."`
	Rollout struct {
		Plan     rolloutPlanCommand     `cmd:"" help:"Plan a rollout, after saying what it would mean."`
		Change   rolloutChangeCommand   `cmd:"" help:"Move the dates of a rollout."`
		Withdraw rolloutWithdrawCommand `cmd:"" help:"Take a rollout back."`
		Show     rolloutShowCommand     `cmd:"" help:"Show the rollouts that were planned."`
		Forecast rolloutForecastCommand `cmd:"" help:"Say whom an end would lock out."`
		Extend   rolloutExtendCommand   `cmd:"" help:"Give people a later own end."`
		Rehearse rolloutRehearseCommand `cmd:"" help:"Play a rollout to its end, on a copy of the data."`
		Recount  rolloutRecountCommand  `cmd:"" help:"Prove the figures of the changeover equal to the rows."`
	} `cmd:"" help:"The changeover from 1-step to 2-step sign-in."`
	Notice struct {
		Publish noticePublishCommand `cmd:"" help:"Publish words to everybody, an organization or an authority."`
	} `cmd:"" help:"Notices."`
	Maintenance struct {
		Plan   maintenancePlanCommand   `cmd:"" help:"Plan a maintenance window."`
		List   maintenanceListCommand   `cmd:"" help:"Show the maintenance windows, past and ahead."`
		Cancel maintenanceCancelCommand `cmd:"" help:"Take a maintenance window back, or end an open one."`
	} `cmd:"" help:"Plan times in which every door is closed."`
	Bench   benchCommand   `cmd:"" help:"Take the project's own figures, each beside its limit."`
	Version versionCommand `cmd:"" help:"Say which version this is."`
}

const description = "Nidan is a business portal with 2-step verification, which moves its people from 1-step to 2-step sign-in on a date. " +
	"To look at it: nidan demo."

// command is what a command line asks for.
type command interface {
	Run(ctx context.Context, c *Console) error
}

// Main runs a command line and answers the program's exit status.
func Main(args []string) int {
	c := here()
	asked, err := read(c, args)
	if err != nil {
		return c.misused(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the first signal ends in good order, the second at once
	if err := asked.Run(ctx, c); err != nil {
		return c.failed(ctx, err)
	}
	return exitDone
}

// read is the command of a command line. It is run without its parser, which a portal
// would hold for as long as it serves.
func read(c *Console, args []string) (command, error) {
	var line commands
	parser, err := kong.New(&line, kong.Name("nidan"), kong.Description(description), kong.Writers(c.Out, c.Err),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}))
	if err != nil {
		panic("cli: the command line contradicts itself: " + err.Error())
	}
	if len(args) == 0 {
		args = []string{"--help"} // whoever types the bare name wants to know what there is
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return nil, err
	}
	return parsed.Selected().Target.Interface().(command), nil
}

// misused says what is wrong with a command line, and where help is.
func (c *Console) misused(err error) int {
	command := "nidan"
	var wrong *kong.ParseError
	if errors.As(err, &wrong) && wrong.Context.Selected() != nil {
		command += " " + wrong.Context.Selected().Path()
	}
	fmt.Fprintf(c.Err, "nidan: %s\nRun \"%s --help\" to read how it is used.\n", err, command)
	return exitUsage
}

// failed says why a command did not do what it was asked for.
func (c *Console) failed(ctx context.Context, err error) int {
	text := err.Error()
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		text = "interrupted"
	}
	for text := range strings.SplitSeq(text, "\n") {
		fmt.Fprintln(c.Err, "nidan: "+text)
	}
	return exitFailed
}
