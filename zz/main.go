package main

import (
	"database/sql"
	"fmt"
	"os"
	"syscall"

	_ "modernc.org/sqlite"
)

func main() {
	dir := os.Args[1]
	name := dir + "/x.db"
	if len(os.Args) == 2 {
		db, _ := sql.Open("sqlite", "file:"+name+"?_pragma=journal_mode(wal)")
		db.SetMaxOpenConns(1)
		_, err := db.Exec("create table t(a)")
		fmt.Println(err)
		for i := 0; i < 10; i++ {
			_, err = db.Exec("insert into t values (?)", i)
			fmt.Println(err)
		}
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	for _, q := range []string{"mode=ro", "mode=ro&_pragma=locking_mode(exclusive)", "mode=ro&nolock=1&_pragma=locking_mode(exclusive)", "immutable=1"} {
		db, _ := sql.Open("sqlite", "file:"+name+"?"+q)
		var n int
		err := db.QueryRow("select count(*) from t").Scan(&n)
		fmt.Println(q, n, err)
		db.Close()
	}
}
